import { Refusal } from '../../../guard/access-token.ts'
import { handlePrefix, readHandle } from '../sealer.ts'
import type { FormatContext, TokenFormat } from './format.ts'

/** What stands inside a handle. Client id and audience follow from the credential. */
type Content = [
  tokenId: string,
  credentialId: string,
  generation: number,
  issuedAt: number,
  lifetime: number,
  scope: string,
  certificateThumbprint?: string,
]

/** Opaque tokens: sealed handles that only this token server opens; see `sealer.ts`. */
export const opaqueFormat: TokenFormat = {
  name: 'opaque',
  signs: false,
  recognises: text => text.startsWith(handlePrefix),
  issue(token, _about, context) {
    const content: Content = [
      token.tokenId,
      token.credentialId,
      token.generation,
      token.issuedAt,
      token.expiresAt - token.issuedAt,
      token.scope.join(' '),
    ]
    if (token.certificateThumbprint) content.push(token.certificateThumbprint)
    const { sealer } = context.keyring.sealer(context.now)
    return sealer.seal(associated(context), Buffer.from(JSON.stringify(content)))
  },
  verify(text, context) {
    const handle = readHandle(text)
    if (!handle) return new Refusal('structure', 'not an opaque token of this server')
    const sealer = context.keyring.opener(handle.keyId, context.now)
    if (!sealer) return new Refusal('key', 'sealed under a key that this tenant does not have (any more)')
    const bytes = sealer.open(associated(context), handle)
    if (!bytes) return new Refusal('signature', 'the seal is broken, or of another tenant or issuer')
    const content = JSON.parse(bytes.toString()) as Content
    const [tokenId, credentialId, generation, issuedAt, lifetime, scope, certificateThumbprint] = content
    const expiresAt = issuedAt + lifetime
    // We made it ourselves, so no skew is forgiven.
    if (context.now >= expiresAt * 1000)
      return new Refusal('dates', `expired ${Math.ceil(context.now / 1000 - expiresAt)} s ago`)
    return {
      tokenId,
      credentialId,
      generation,
      clientId: undefined,
      audiences: undefined,
      scope: scope ? scope.split(' ') : [],
      issuedAt,
      expiresAt,
      certificateThumbprint,
      keyId: handle.keyId,
    }
  },
}

function associated({ tenant, addresses }: FormatContext): string {
  return `${handlePrefix} ${tenant.id} ${addresses.issuer(tenant)}`
}
