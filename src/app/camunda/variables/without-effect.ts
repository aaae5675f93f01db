import type { WithoutEffect } from './variable.ts'

const store = 'everything is kept in the store of Countersign (`COUNTERSIGN_DATABASE_URL`)'
const broker = 'there is no Zeebe broker or gateway here'
const nobodyLogsIn = 'nobody logs in here with a browser'
const oneIssuer = 'tokens of one issuer are accepted, that of `CAMUNDA_IDENTITY_ISSUER`'
const web = 'the service brings its own HTTP server'

const because = (reason: string, names: readonly string[]): WithoutEffect[] =>
  names.map(name => ({ name, because: reason }))

const ofClients = (names: readonly string[]): WithoutEffect[] =>
  names.map(name => ({ name, because: 'it is for programs that call the service', ofClients: true }))

/** What is read and changes nothing, the described ones first. */
export const withoutEffect: readonly WithoutEffect[] = [
  ...because(store, [
    'CAMUNDA_DATABASE_CLUSTERNAME',
    'CAMUNDA_DATABASE_TYPE',
    'CAMUNDA_DATABASE_URL',
    'CAMUNDA_DATABASE_*',
    'CAMUNDA_DATA_*',
  ]),
  ...because(broker, [
    'ZEEBE_BROKER_EXPORTERS_CAMUNDAEXPORTER_ARGS_CONNECT_TYPE',
    'ZEEBE_BROKER_EXPORTERS_CAMUNDAEXPORTER_ARGS_CONNECT_URL',
    'ZEEBE_BROKER_EXPORTERS_CAMUNDAEXPORTER_CLASSNAME',
    'ZEEBE_GATEWAY_CLUSTER_INITIALCONTACTPOINTS',
    'ZEEBE_BROKER_*',
    'ZEEBE_GATEWAY_*',
    'CAMUNDA_CLUSTER_*',
  ]),
  ...because(nobodyLogsIn, [
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_AUTHORIZATION_URI',
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_AUTHORIZE_REQUEST_CONFIGURATION_*',
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_REDIRECT_URI',
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_END_SESSION_ENDPOINT_URI',
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_IDP_LOGOUT_ENABLED',
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_ID_TOKEN_ALGORITHM',
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_PREFER_ID_TOKEN_CLAIMS',
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_USER_INFO_*',
    'CAMUNDA_SECURITY_SESSION_HEARTBEAT_*',
  ]),
  ...because(oneIssuer, ['CAMUNDA_SECURITY_AUTHENTICATION_PROVIDERS_*']),
  ...because('roles come from mapping rules, which see the certificate too', [
    'CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ROLE_EXTENSION_OID',
    'CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ENABLE_ROLE_MAPPING',
  ]),
  ...because('memberships are looked up on each request', [
    'CAMUNDA_SECURITY_AUTHENTICATION_AUTHENTICATION_REFRESH_INTERVAL',
  ]),
  ...because('every refusal has a decision record that says why', [
    'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_DIAGNOSTICS_*',
  ]),
  ...because('the names that the published API allows are allowed', [
    'CAMUNDA_SECURITY_ID_VALIDATION_PATTERN',
  ]),
  ...because('there are no processes whose data tenants could share', ['CAMUNDA_SECURITY_MULTI_TENANCY_*']),
  ...because('the token can always be read from the header of the answer, and no path is let off', [
    'CAMUNDA_SECURITY_CSRF_COOKIE_HTTP_ONLY',
    'CAMUNDA_SECURITY_CSRF_IGNORED_PATH_PATTERNS',
  ]),
  ...because('there are no web pages of Camunda here', [
    'CAMUNDA_SECURITY_HTTP_HEADERS_*',
    'CAMUNDA_WEBAPPS_*',
  ]),
  ...because('there is nothing to license', ['CAMUNDA_LICENSE_*']),
  ...because('the host is that of `COUNTERSIGN_HOST`', ['SERVER_ADDRESS']),
  ...because('TLS is 1.2 or 1.3 with the ciphers that Node.js holds for safe', [
    'SERVER_SSL_PROTOCOL',
    'SERVER_SSL_ENABLED_PROTOCOLS',
    'SERVER_SSL_CIPHERS',
  ]),
  ...because('there is only one provider of key stores', [
    'SERVER_SSL_KEY_STORE_PROVIDER',
    'SERVER_SSL_TRUST_STORE_PROVIDER',
  ]),
  ...because('roots have no keys', ['SERVER_SSL_TRUST_CERTIFICATE_PRIVATE_KEY']),
  ...because(web, ['SERVER_SERVLET_*', 'SERVER_TOMCAT_*', 'SERVER_HTTP2_*', 'SERVER_COMPRESSION_*']),
  ...because('the name changes nothing', ['SPRING_APPLICATION_NAME']),
  ...because('the file is given by `--config`', ['SPRING_CONFIG_LOCATION', 'SPRING_CONFIG_IMPORT']),
  ...ofClients([
    'CAMUNDA_CLIENT_*',
    'CAMUNDA_OAUTH_*',
    'CAMUNDA_TOKEN_*',
    'CAMUNDA_SDK_*',
    'CAMUNDA_CUSTOM_*',
    'CAMUNDA_SSL_CLIENT_*',
    'CAMUNDA_BASIC_AUTH_*',
    'CAMUNDA_AUTH_STRATEGY',
    'CAMUNDA_AUTH_CONNECT_TIMEOUT',
    'CAMUNDA_AUTH_READ_TIMEOUT',
    'CAMUNDA_AUTHORIZATION_SERVER_URL',
    'CAMUNDA_REST_ADDRESS',
    'CAMUNDA_GRPC_ADDRESS',
    'CAMUNDA_CA_CERTIFICATE_PATH',
    'CAMUNDA_COOKIE_AUTH_*',
    'CAMUNDA_MTLS_CERT*',
    'CAMUNDA_MTLS_KEY*',
    'CAMUNDA_MTLS_CA*',
    'CAMUNDA_ZEEBE_OAUTH_*',
    'CAMUNDA_OPERATE_*',
    'CAMUNDA_TASKLIST_*',
    'CAMUNDA_OPTIMIZE_*',
    'CAMUNDA_CONSOLE_*',
    'CAMUNDA_MODELER_*',
    'ZEEBE_CLIENT_ID',
    'ZEEBE_CLIENT_SECRET',
    'ZEEBE_ADDRESS',
    'ZEEBE_REST_ADDRESS',
    'ZEEBE_GRPC_ADDRESS',
    'ZEEBE_TOKEN_*',
  ]),
]
