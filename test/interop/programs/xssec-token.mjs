// What a sender with @sap/xssec runs: all it knows is its service key, taken as the binding that it is.
import { XsuaaService } from '@sap/xssec'

const service = new XsuaaService(JSON.parse(process.env.BINDING))
const scope = process.env.SCOPE
console.log(JSON.stringify(await service.fetchClientCredentialsToken(scope ? { scope } : {})))
