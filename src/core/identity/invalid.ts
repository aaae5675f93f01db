import { Problem } from '../problem.ts'

/** A document, a search or an id that is not as it has to be. */
export const invalid = (says: string): Problem => new Problem('invalid_input', says)
