export { type AllowedName, isAllowed } from '../tls/allowed-name.ts';
export { clientTls } from '../tls/client-tls.ts';
export { pemCertificates } from '../tls/pem-certificates.ts';
export { secured } from '../tls/secured.ts';
export { type ServerTls, serverTls } from '../tls/server-tls.ts';
export type { ClientLent, TlsClientLent, TlsLent } from '../tls/tls-files.ts';
export {
  PUBLIC_TLS,
  type TlsClientSettings,
  type TlsServerSettings,
  tlsClient,
  tlsServer,
} from '../tls/tls-settings.ts';
