// What a receiving application with @sap/xssec runs: its own binding, and the token that somebody called it with.
import { XsuaaService } from '@sap/xssec'

const { BINDING, TOKEN } = process.env
const service = new XsuaaService(JSON.parse(BINDING))
const context = await service.createSecurityContext(TOKEN)
const { token } = context
console.log(
  JSON.stringify({
    clientId: token.clientId,
    zid: token.zid,
    grantType: token.grantType,
    subAccountId: token.subAccountId,
    serviceInstanceId: token.serviceInstanceId,
    scopes: token.scopes,
    mayAct: context.checkScope('ESBMessaging.send'),
    mayActElse: context.checkScope('ESBMessaging.other'),
  }),
)
