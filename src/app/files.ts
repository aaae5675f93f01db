import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
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

/**
 * Makes a directory for its owner only. One that is there is closed to others while it is empty and only they could
 * read it; else its mode is somebody's decision: throws, saying what to do, where others can look in or write.
 */
export function makePrivateDirectory(path: string): void {
  if (mkdirSync(path, { recursive: true, mode: 0o700 }) !== undefined) return
  const { mode } = statSync(path)
  if ((mode & ofOthers) === 0) return
  const writable = (mode & writeOfOthers) !== 0
  if (writable || readdirSync(path).length > 0)
    throw new Error(
      `others can ${writable ? 'write to' : 'look into'} ${path}: close it with \`chmod 700\` if it is for ` +
        'Countersign alone, or name another directory, which is then made',
    )
  chmodSync(path, 0o700)
}

const ofOthers = 0o077
const writeOfOthers = 0o022
