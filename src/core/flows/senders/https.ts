import { headersForReceiver } from '../headers.ts'
import type { SenderAdapter } from './sender.ts'

/** The HTTPS sender adapter: any body, any modifying or reading method. */
export const https: SenderAdapter = {
  kind: 'HTTPS',
  prefix: '/http',
  methods: new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  headers: headersForReceiver,
}
