// An application with @azure/identity: by secret, by a PEM file with certificate and key, or as its environment says.
import { ClientCertificateCredential, ClientSecretCredential, EnvironmentCredential } from '@azure/identity'

const { AUTHORITY_HOST, TENANT, CLIENT_ID, SECRET, SCOPE, PEM_FILE, SEND_CHAIN } = process.env
const options = {
  authorityHost: AUTHORITY_HOST,
  disableInstanceDiscovery: true,
  sendCertificateChain: SEND_CHAIN === 'true',
}
const credential = SECRET
  ? new ClientSecretCredential(TENANT, CLIENT_ID, SECRET, options)
  : PEM_FILE
    ? new ClientCertificateCredential(TENANT, CLIENT_ID, PEM_FILE, options)
    : new EnvironmentCredential({ disableInstanceDiscovery: true })
try {
  const { token, expiresOnTimestamp } = await credential.getToken(SCOPE)
  console.log(JSON.stringify({ tokens: [token], expiresOnTimestamp }))
} catch (error) {
  console.log(JSON.stringify({ name: error.name, message: error.message }))
}
