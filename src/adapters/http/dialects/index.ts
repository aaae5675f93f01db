import { dialects } from '../../../core/tokens/index.ts'
import type { Face } from '../token-endpoint.ts'
import { entra } from './entra.ts'
import { neo } from './neo.ts'
import { standard } from './standard.ts'
import { uaa } from './uaa.ts'

/** THE LIST of dialects as they look over HTTP. */
export const faces: readonly Face[] = [standard, uaa, neo, entra]

const byName = new Map(faces.map(face => [face.name, face]))
for (const { name } of dialects)
  if (!byName.has(name)) throw new Error(`nobody says how dialect ${name} looks over HTTP`)

/** The face of a client's dialect. */
export const faceOf = ({ dialect }: { readonly dialect: string }): Face => byName.get(dialect)!
