import { Agent } from 'node:https';
import type { Credential, Lent } from 'waybill/adapter';
import { optionalPackage } from 'waybill/peer/basics';
import { ObjectLine, type OpenedStore } from 'waybill/peer/object-store';
import { clientTls } from 'waybill/peer/tls';
import { endpointOf, PACKAGE, type S3Values, type s3Settings } from './s3-settings.ts';
import { S3Store } from './s3-store.ts';

export type S3Lent = Pick<
  Lent<typeof s3Settings>,
  'credential' | 'connection' | 'peerCertificate'
> & {
  readonly settings: S3Values;
};

/** Access to the bucket of the settings. */
export const s3Line = (lent: S3Lent): ObjectLine<S3Store> =>
  new ObjectLine(
    () => opened(lent),
    () => lent.connection('connected', lent.settings.bucket),
  );

async function opened({ settings, ...lent }: S3Lent): Promise<OpenedStore<S3Store>> {
  const { region, endpoint, pathStyle, credential, tls, timeout, bucket } = settings;
  const sdk = await optionalPackage(PACKAGE, () => import('@aws-sdk/client-s3'));
  const { host, hostname } = endpointOf(settings);
  const known = credential === undefined ? undefined : await lent.credential(credential);
  const options = await clientTls(lent, tls, hostname);
  // the host differs where the bucket is in it, and it is that which must be in the certificate
  const { servername: _, checkServerIdentity, ...rest } = options;
  const own = tls === undefined ? rest : { ...rest, checkServerIdentity };
  const client = new sdk.S3Client({
    region,
    forcePathStyle: pathStyle,
    maxAttempts: 1,
    // other servers do not know the newer checksums; what is signed has one anyway
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: timeout,
      socketTimeout: timeout,
      httpsAgent: new Agent({ ...own, keepAlive: true, maxSockets: 50 }),
    },
    ...(endpoint !== undefined && { endpoint: endpoint.href }),
    ...keysOf(known),
  });
  // other servers than Amazon's may ignore the condition under which an object is written
  const about = { place: host, keepsFresh: endpoint === undefined, timeout };
  return { store: new S3Store({ sdk, client }, bucket, about), close: () => client.destroy() };
}

function keysOf(known: Credential | undefined) {
  if (known?.kind !== 'basic') return {};
  return { credentials: { accessKeyId: known.user, secretAccessKey: known.password } };
}
