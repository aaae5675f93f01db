import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file that is there whole or not at all, readable by its owner only unless said otherwise. */
export function writeFileWhole(path: string, content: string, mode = 0o600): void {
  renameSync(writeBeside(path, content, mode), path)
  syncDirectory(dirname(path))
}

/** The same for a file that must not be there yet, for its owner only; false when it is, and nothing is changed. */
export function writeNewFileWhole(path: string, content: string): boolean {
  const temporary = writeBeside(path, content, 0o600)
  try {
    linkSync(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(temporary)
  }
  syncDirectory(dirname(path))
  return true
}

function writeBeside(path: string, content: string, mode: number): string {
  const temporary = `${path}.${process.pid}.tmp`
  const fd = openSync(temporary, 'w', mode)
  try {
    writeSync(fd, content)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  chmodSync(temporary, mode)
  return temporary
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** The text of a file; undefined when there is none. */
export function readFileIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A directory for its owner only. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, 0o700)
}
