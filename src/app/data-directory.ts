import { join } from 'node:path'

/** Where the data directory is unless COUNTERSIGN_DATA_DIR says otherwise. */
export const defaultDataDir = './countersign-data'

/** The administrator's service key. */
export const adminFile = (dataDir: string) => join(dataDir, 'admin.json')

/** The root of the server certificate: what a sender puts in its trust store. */
export const rootFile = (dataDir: string) => join(dataDir, 'ca.pem')
