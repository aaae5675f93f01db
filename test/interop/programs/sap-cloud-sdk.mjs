// What an application of the SAP Cloud SDK runs to get a token for a service that is bound to it.
import { serviceToken } from '@sap-cloud-sdk/connectivity'

const credentials = JSON.parse(process.env.BINDING)
const binding = { name: 'orders', label: 'xsuaa', tags: ['xsuaa'], credentials }
console.log(JSON.stringify({ token: await serviceToken(binding, { useCache: false }) }))
