import { Problem } from '../problem.ts'

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export const isGuid = (text: string): boolean => guid.test(text)

const refuse = (description: string, hint?: string): Problem =>
  new Problem('invalid_input', description, hint === undefined ? {} : { hint })

/** Names are for people; they stand for the application on the command line, so none looks like an id. */
export function checkApplicationName(name: string): Problem | undefined {
  if (name.trim() !== name || !/^[^\p{C}]{1,120}$/u.test(name))
    return refuse('the name of an application has 1 to 120 characters, none of them a control character')
  return isGuid(name.toLowerCase()) || name.includes('://')
    ? refuse('the name of an application is neither a GUID nor an address')
    : undefined
}

export function checkGuid(id: string): Problem | undefined {
  return isGuid(id) ? undefined : refuse(`--id must be a GUID, not ${JSON.stringify(id).slice(0, 100)}`)
}

/** `api://...` or `https://...`; `api://GUID` belongs to the application of that GUID. */
export function checkIdUri(uri: string, clientId: string): Problem | undefined {
  if (!/^(api|https):\/\/[!-~]{1,240}$/.test(uri) || /[?#"'<>\\]/.test(uri))
    return refuse('an App ID URI begins with api:// or https://, has no query, and holds no white space')
  if (uri.endsWith('/.default')) return refuse('/.default is for scopes, and no part of an App ID URI')
  const named = /^api:\/\/([^/]+)/.exec(uri)?.[1]?.toLowerCase()
  return named !== undefined && isGuid(named) && named !== clientId
    ? refuse(`api://${named} belongs to the application of that id`)
    : undefined
}

/** As they stand in the claim `roles`: without white space. */
export function checkRoleValues(values: readonly string[]): Problem | undefined {
  const wrong = values.find(value => !/^[A-Za-z0-9_.:/+-]{1,120}$/.test(value) || value.startsWith('.'))
  if (wrong !== undefined)
    return refuse(
      `app role ${JSON.stringify(wrong).slice(0, 140)}: 1 to 120 characters out of A-Z a-z 0-9 . _ : / + -, and no dot at the start`,
    )
  const repeated = values.find((value, i) => values.indexOf(value) !== i)
  return repeated === undefined ? undefined : refuse(`app role ${repeated} is there twice`)
}
