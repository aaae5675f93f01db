export { createKeystoreIdentities, type KeystoreIdentities, type KeystoreIdentity } from './directory.ts'
export { endingKeystore } from './expiry.ts'
export type { NewKeyPair } from './generate.ts'
export {
  type CertificateInfo,
  inspectCertificate,
  inspectEntry,
  type KeystoreInfo,
  warningsFor,
  whyOutOfDate,
} from './inspect.ts'
export { keystoreKeyContext } from './key.ts'
export {
  createEntry,
  deleteEntry,
  findEntry,
  type Imported,
  type ImportedFile,
  importEntry,
  type KeystoreManagement,
  renameEntry,
} from './manage.ts'
export { readKeyFile } from './readers/index.ts'
export type { KeyFileContents, KeyFileReading, Opening } from './readers/reader.ts'
export { keystoreLimits } from './rules.ts'
export { replaceChain, signingRequest } from './sign.ts'
export type { EndingEntry, KeystoreEntry, KeystoreTable } from './store.ts'
