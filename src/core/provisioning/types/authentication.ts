/** The properties that the chosen way to authenticate needs, and that are not there. */
export function authenticationMissing(properties: Readonly<Record<string, string>>): string[] {
  const needed =
    properties.Authentication === 'BasicAuthentication'
      ? ['User', 'Password']
      : properties.Authentication === 'ClientCertificateAuthentication' &&
          properties.OAuth2TokenServiceURL !== undefined
        ? ['client_id']
        : []
  return needed.filter(name => properties[name] === undefined)
}
