import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type SourceFiles, SystemFailure } from '../../core/provisioning/index.ts'

const largestFile = 256 * 1024 * 1024

/** Files that sources are read from: one folder for each tenant, below one that only the operator can write to. */
export function createSourceFiles(base: string): SourceFiles {
  const folder = (tenantName: string) => join(base, tenantName)
  return {
    folder,
    async read(tenantName, name) {
      const path = join(folder(tenantName), name)
      // A link could lead out of the folder.
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
        (error: NodeJS.ErrnoException) => {
          throw new SystemFailure(
            error.code === 'ENOENT'
              ? `there is no file ${name} in ${folder(tenantName)}`
              : `${path} cannot be read: ${error.code}`,
            { fatal: true },
          )
        },
      )
      try {
        const { size, mtimeMs } = await file.stat()
        if (size > largestFile)
          throw new SystemFailure(`${path} is larger than ${largestFile / 2 ** 20} MB`, { fatal: true })
        const content = await file.readFile()
        const after = await file.stat()
        if (after.size !== content.length || after.mtimeMs !== mtimeMs)
          throw new SystemFailure(
            `${path} changed while it was read: write a new file beside it, and rename that when it is whole`,
            { passing: true },
          )
        return content
      } finally {
        await file.close()
      }
    },
  }
}
