import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface OpensslRun {
  readonly status: number | null
  /** stdout and stderr, the latter first. */
  readonly words: string
  /** What it wrote into the file named "out", if it did. */
  readonly out: Buffer
}

/** Runs the `openssl` command where `files` are, whatever it says: for judgements that end in an error, and for files. */
export function runOpenssl(
  args: readonly string[],
  files: Readonly<Record<string, string | Uint8Array>>,
): OpensslRun {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-openssl-'))
  try {
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(directory, name), content, { mode: 0o600 })
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' })
    const hasOut = readdirSync(directory).includes('out')
    return {
      status,
      words: `${stderr}${stdout}`,
      out: hasOut ? readFileSync(join(directory, 'out')) : Buffer.alloc(0),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
