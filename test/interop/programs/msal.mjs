// An application with @azure/msal-node: three times a token, past its cache.
import { ConfidentialClientApplication } from '@azure/msal-node'

const { AUTHORITY, CLIENT_ID, SECRET, SCOPE, CERTIFICATE } = process.env
const application = new ConfidentialClientApplication({
  auth: {
    clientId: CLIENT_ID,
    authority: AUTHORITY,
    knownAuthorities: [new URL(AUTHORITY).host],
    ...(SECRET && { clientSecret: SECRET }),
    ...(CERTIFICATE && { clientCertificate: JSON.parse(CERTIFICATE) }),
  },
})
const tokens = []
try {
  for (let i = 0; i < 3; i++) {
    const { accessToken } = await application.acquireTokenByClientCredential({
      scopes: [SCOPE],
      skipCache: true,
    })
    tokens.push(accessToken)
  }
  console.log(JSON.stringify({ tokens }))
} catch (error) {
  const { errorCode, errorMessage, correlationId, errorNo } = error
  console.log(JSON.stringify({ errorCode, errorMessage, correlationId, errorNo }))
}
