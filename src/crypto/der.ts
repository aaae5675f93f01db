/** DER (ITU-T X.690): everything the certificate modules write and read with. */
export * from './der-fields.ts'
export * from './der-reader.ts'
export { contextConstructed, contextPrimitive, DerError, TAG } from './der-tag.ts'
export * from './der-writer.ts'
