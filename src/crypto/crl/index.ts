/** Revocation lists (RFC 5280 section 5): made for our own authority, read and asked for those of others. */
export { buildCrl, buildLongCrl, type CrlHead, type CrlInput } from './build.ts'
export type { CrlEntries, CrlEntry } from './entry-reader.ts'
export { type EntryWriter, entryWriter, type RevokedCertificate } from './entry-writer.ts'
export { readCrlInput } from './input.ts'
export { type Crl, parseCrl } from './parse.ts'
export { type CrlDoubt, type CrlQuery, type CrlStatus, crlStatus } from './status.ts'
export { type CrlProblem, type CrlVerification, type VerifiedCrl, verifyCrl } from './verify.ts'
