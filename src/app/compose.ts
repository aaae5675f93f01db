import { lookup } from 'node:dns'
import { getCACertificates } from 'node:tls'
import { createGuardedFetch } from '../adapters/forward/fetch.ts'
import { createForwarder } from '../adapters/forward/http.ts'
import { lookupWithoutLinkLocal } from '../adapters/forward/link-local.ts'
import { createRevocationSource } from '../adapters/forward/revocation.ts'
import { createSystemHttp } from '../adapters/forward/systems.ts'
import { createHttpApp } from '../adapters/http/app.ts'
import type { Listener } from '../adapters/http/request.ts'
import type { RequestListener } from '../adapters/http/server.ts'
import type { Operations, Services } from '../adapters/http/services.ts'
import { createKeyFileReading } from '../adapters/key-files/in-thread.ts'
import { createProbe } from '../adapters/probe/tls.ts'
import { createSourceFiles } from '../adapters/source-files/folder.ts'
import { openStore, type Store } from '../adapters/store/open.ts'
import { waitByTimer } from '../client/retry.ts'
import { type Bases, createAddresses } from '../core/addresses.ts'
import { createAuthorityDirectory, createCrls } from '../core/authority/index.ts'
import {
  createAssertionKeys,
  createChosenSecrets,
  createClientDirectory,
  createFailureCounter,
  createRemoteKeySets,
  type FailureCounter,
} from '../core/clients/index.ts'
import type { Context } from '../core/context.ts'
import { createFlowRegistry, type Forwarder } from '../core/flows/index.ts'
import { createKeystoreIdentities } from '../core/keystore/index.ts'
import { createSecurityMaterials } from '../core/material/index.ts'
import type { Meter } from '../core/meter.ts'
import { createOutboundAccess } from '../core/outbound/index.ts'
import { createJobRunner, type JobRunner } from '../core/provisioning/index.ts'
import { defaultTenantName } from '../core/tenant.ts'
import { createTenantDirectory, ensureDefaultTenant } from '../core/tenants/index.ts'
import { createKeyrings, createRevokedTokens, createTokenChecking } from '../core/tokens/index.ts'
import { createRevocationChecking, createTrust } from '../core/trust/index.ts'
import type { Vault } from '../core/vault.ts'
import { createFetchJson } from '../guard/fetch-json.ts'
import type { IdentitySettings } from './camunda/settings.ts'
import { composeIdentity } from './identity/compose.ts'
import { trustingFetch } from './identity/trusting-fetch.ts'

/** What differs from composition to composition. */
export interface Parts {
  readonly databaseUrl: string
  readonly role: 'primary' | 'worker'
  readonly bases: Bases
  readonly context: Context
  readonly meter: Meter
  /** Told of every failed authentication, for counting across processes. */
  readonly onFailure?: ((key: string) => void) | undefined
  /** PEM; trusted instead of the public roots where registered addresses are called. */
  readonly outboundCa?: string | undefined
  /** Holds a folder for each tenant, with the files that sources of provisioning are read from. */
  readonly sourceFiles: string
  /** The identity service of the tenant `default`; undefined: there is none. */
  readonly identity?: IdentitySettings | undefined
  /** With the log of its level; default: the one of all. */
  readonly identityContext?: Context | undefined
  /** Default: over HTTP. Measuring the admission alone takes another one. */
  readonly forwarder?: Forwarder | undefined
  openVault(store: Store): Promise<Vault>
  operations(store: Store): Operations
}

/** The server, composed; nothing listens yet. */
export interface Server {
  readonly store: Store
  readonly services: Services
  readonly failures: FailureCounter
  /** Runs provisioning jobs from its first tick on: in one process of a machine. */
  readonly jobs: JobRunner
  /** Makes the request listener of a socket. */
  listenerOf(listener: Listener): RequestListener
  close(): Promise<void>
}

/** Puts the whole server together: plain calls, top to bottom. */
export async function composeServer(parts: Parts): Promise<Server> {
  const { context, meter } = parts
  const store = await openStore({
    url: parts.databaseUrl,
    role: parts.role,
    log: context.log,
    now: context.now,
  })
  const { changes, journal } = store
  const vault = await parts.openVault(store)
  const addresses = createAddresses(parts.bases)
  await ensureDefaultTenant({ store, vault, addresses, context })

  const tenants = await createTenantDirectory(store.read.tenants, changes)
  const directory = createClientDirectory(store.read.clients, store.read.keyMatches, changes)
  const keyrings = createKeyrings(store.read.tenantKeys, vault, changes, context)
  const revoked = createRevokedTokens(store.read.revocations, changes)
  const failures = createFailureCounter(parts.onFailure)
  const chosenSecrets = createChosenSecrets(vault, context)
  const checking = createTokenChecking({ keyrings, revoked, directory, addresses, context })
  const revocationSource = createRevocationSource()
  const authorities = createAuthorityDirectory(store.read.authorities, vault, changes)
  const revocation = createRevocationChecking(revocationSource, context)
  const { trust: table, issued } = store.read
  const trust = createTrust({ table, authorities, issued, revocation, context }, changes)
  const crls = createCrls({ store, authorities, context }, changes)
  const outbound = createGuardedFetch(parts.outboundCa)
  const remoteKeySets = createRemoteKeySets(createFetchJson(outbound.fetch), context)
  const assertionKeys = createAssertionKeys(store, remoteKeySets)
  const flows = createFlowRegistry(store.read.flows, changes)
  const forwarder = parts.forwarder ?? createForwarder()

  const keystore = createKeystoreIdentities(store.read.keystore, vault, changes)
  const materials = createSecurityMaterials(store.read.material, vault, changes)
  const publicRoots = () => getCACertificates('default')
  const guardedLookup = lookupWithoutLinkLocal(lookup)
  const access = createOutboundAccess(
    {
      materials,
      keystore,
      table: store.read.keystore,
      publicRoots,
      lookup: guardedLookup,
      context,
    },
    changes,
  )

  const systems = createSystemHttp()
  const files = createSourceFiles(parts.sourceFiles)
  const jobs = createJobRunner(
    {
      store,
      vault,
      tenants,
      http: systems.call,
      files,
      outbound: access,
      publicRoots,
      lookup: guardedLookup,
      context,
      wait: waitByTimer,
      alone: store.engine === 'sqlite',
    },
    changes,
  )

  const ownTenant = tenants.byName(defaultTenantName)!
  const identityRoots = parts.outboundCa === undefined ? publicRoots : () => [parts.outboundCa!]
  const identityFetch = trustingFetch(() => access.connection(ownTenant.id, undefined), identityRoots)
  const identity =
    parts.identity &&
    composeIdentity(parts.identity, {
      tenant: ownTenant,
      store,
      changes,
      vault,
      context: parts.identityContext ?? context,
      chosenSecrets,
      failures,
      revocation,
      outbound: access,
      fetchJson: createFetchJson(identityFetch.fetch),
      lookup: guardedLookup,
      publicRoots: identityRoots,
    })

  const services: Services = {
    context,
    addresses,
    store,
    changes,
    journal,
    vault,
    tenants,
    directory,
    keyrings,
    failures,
    checking,
    authorities,
    trust,
    crls,
    keystore,
    readKeyFile: createKeyFileReading(),
    materials,
    assertionKeys,
    chosenSecrets,
    oneTime: store.oneTimeIds,
    used: (key, at) => journal.used(key, at),
    flows,
    forwarder,
    outbound: access,
    probe: createProbe(),
    files,
    meter,
    identity,
    operations: parts.operations(store),
  }
  const listenerOf = await createHttpApp(services)
  return {
    store,
    services,
    failures,
    jobs,
    listenerOf,
    async close() {
      identity?.close()
      await identityFetch.close()
      await jobs.stop()
      await systems.close()
      access.close()
      await forwarder.close()
      await revocationSource.close()
      await outbound.close()
      await store.close()
    },
  }
}
