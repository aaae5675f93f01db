/** The forms of identifiers in the published OpenAPI of Camunda 8.8. */
const common = /^[a-zA-Z0-9_~@.+-]{1,256}$/
const ofTenant = /^(<default>|[\w.-]{1,31})$/

/** No address could end in them: they are taken for the folder and the one above. */
const isDots = (id: string): boolean => id === '.' || id === '..'

export const wrongCommonId = (id: string): string | undefined =>
  common.test(id) && !isDots(id)
    ? undefined
    : 'has 1 to 256 characters out of A-Z a-z 0-9 _ ~ @ . + -, and is neither . nor ..'

export const wrongTenantId = (id: string): string | undefined =>
  ofTenant.test(id) && !isDots(id)
    ? undefined
    : 'is <default>, or has 1 to 31 characters out of A-Z a-z 0-9 _ . -, and is neither . nor ..'

/** Groups may come from others, who name them as they please. */
export const wrongGroupId = (id: string): string | undefined =>
  id.length >= 1 && id.length <= 256 && !/\p{Cc}|\p{Cs}/u.test(id) && !isDots(id)
    ? undefined
    : 'has 1 to 256 printable characters, and is neither . nor ..'
