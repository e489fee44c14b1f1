import type { InboundAdapter, LookupAdapter, OutboundAdapter } from 'waybill/adapter';

type AnyAdapter = InboundAdapter | OutboundAdapter | LookupAdapter;

/**
 * Every adapter that ships with Waybill: the only list. Each is loaded when a production names it,
 * so that an engine does not load a mail or SSH library it does not need.
 */
const ADAPTERS: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  'amqp-in': () => import('./amqp/amqp-in.ts'),
  'amqp-out': () => import('./amqp/amqp-out.ts'),
  'amqp1-in': () => import('./amqp/v1/amqp1-in.ts'),
  'amqp1-out': () => import('./amqp/v1/amqp1-out.ts'),
  'astm-in': () => import('./astm/astm-in.ts'),
  'astm-out': () => import('./astm/astm-out.ts'),
  'azure-blob-in': () => import('./azure/azure-blob-in.ts'),
  'azure-blob-out': () => import('./azure/azure-blob-out.ts'),
  'dicom-in': () => import('./dicom/dicom-in.ts'),
  'dicom-out': () => import('./dicom/dicom-out.ts'),
  'dicom-query-out': () => import('./dicom/dicom-query-out.ts'),
  'fhir-in': () => import('./fhir/fhir-in.ts'),
  'fhir-notify-out': () => import('./fhir/fhir-notify-out.ts'),
  'fhir-out': () => import('./fhir/fhir-out.ts'),
  'fhir-subscriptions-out': () => import('./fhir/fhir-subscriptions-out.ts'),
  'file-in': () => import('./file/file-in.ts'),
  'file-out': () => import('./file/file-out.ts'),
  'ftps-in': () => import('./ftps/ftps-in.ts'),
  'ftps-out': () => import('./ftps/ftps-out.ts'),
  'graph-mail-in': () => import('./graph/graph-mail-in.ts'),
  'graph-mail-out': () => import('./graph/graph-mail-out.ts'),
  'http-in': () => import('./http/http-in.ts'),
  'http-out': () => import('./http/http-out.ts'),
  'imap-in': () => import('./imap/imap-in.ts'),
  'kafka-in': () => import('./kafka/kafka-in.ts'),
  'kafka-out': () => import('./kafka/kafka-out.ts'),
  'ldap-lookup': () => import('./ldap/ldap-lookup.ts'),
  'mllp-in': () => import('./mllp/mllp-in.ts'),
  'mllp-out': () => import('./mllp/mllp-out.ts'),
  'mqtt-in': () => import('./mqtt/mqtt-in.ts'),
  'mqtt-out': () => import('./mqtt/mqtt-out.ts'),
  'nats-in': () => import('./nats/nats-in.ts'),
  'nats-out': () => import('./nats/nats-out.ts'),
  'pop3-in': () => import('./pop3/pop3-in.ts'),
  'print-out': () => import('./print/print-out.ts'),
  's3-in': () => import('./s3/s3-in.ts'),
  's3-out': () => import('./s3/s3-out.ts'),
  'sftp-in': () => import('./ssh/sftp/sftp-in.ts'),
  'sftp-out': () => import('./ssh/sftp/sftp-out.ts'),
  'smtp-out': () => import('./smtp/smtp-out.ts'),
  'soap-in': () => import('./soap/soap-in.ts'),
  'soap-out': () => import('./soap/soap-out.ts'),
  'sql-in': () => import('./sql/sql-in.ts'),
  'sql-lookup': () => import('./sql/sql-lookup.ts'),
  'sql-out': () => import('./sql/sql-out.ts'),
  'ssh-exec-out': () => import('./ssh/exec/ssh-exec-out.ts'),
  'tcp-in': () => import('./tcp/tcp-in.ts'),
  'tcp-out': () => import('./tcp/tcp-out.ts'),
  'websocket-in': () => import('./websocket/websocket-in.ts'),
  'websocket-out': () => import('./websocket/websocket-out.ts'),
};

/** The types of all adapters, and each by its type. */
export const adapterCatalogue = {
  types: Object.keys(ADAPTERS),
  load: async (type: string): Promise<AnyAdapter | undefined> =>
    (await ADAPTERS[type]?.())?.default as AnyAdapter | undefined,
};

/** All of them, for lists, reference pages and schemas. */
export async function allAdapters(): Promise<readonly AnyAdapter[]> {
  const loaded = await Promise.all(
    adapterCatalogue.types.map((type) => adapterCatalogue.load(type)),
  );
  return loaded.filter((adapter) => adapter !== undefined);
}
