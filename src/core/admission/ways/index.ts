import type { Way } from '../way.ts'
import { basic } from './basic.ts'
import { bearer } from './bearer.ts'
import { certificate } from './certificate.ts'

/** THE LIST of ways to show who calls. */
export const ways: readonly Way[] = [bearer, basic, certificate]
