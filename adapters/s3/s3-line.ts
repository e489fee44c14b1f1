import { Agent } from 'node:https';
import type { Credential, Lent } from 'waybill/adapter';
import { clientTls, optionalPackage, type StoreLine } from 'waybill/peer';
import { endpointOf, PACKAGE, type S3Values, type s3Settings } from './s3-settings.ts';
import { S3Store } from './s3-store.ts';

export type S3Lent = Pick<
  Lent<typeof s3Settings>,
  'credential' | 'connection' | 'peerCertificate'
> & {
  readonly settings: S3Values;
};

/** Access to a bucket. The first use, and the first after a failure, looks whether it is there. */
export class S3Line implements StoreLine {
  readonly #lent: S3Lent;
  #opened: Promise<{ readonly store: S3Store; readonly close: () => void }> | undefined;
  #proven = false;

  constructor(lent: S3Lent) {
    this.#lent = lent;
  }

  async use<Value>(work: (store: S3Store) => Promise<Value>): Promise<Value> {
    this.#opened ??= opened(this.#lent);
    try {
      const { store } = await this.#opened;
      if (!this.#proven) {
        await store.look();
        this.#proven = true;
        this.#lent.connection('connected', this.#lent.settings.bucket);
      }
      return await work(store);
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === 'ADAPTER_NOT_CONNECTED' || code === 'ADAPTER_DISABLED') await this.close();
      throw error;
    }
  }

  /** A key that was exchanged, and a renewed certificate, are used from the next time on. */
  async close(): Promise<void> {
    const opening = this.#opened;
    [this.#opened, this.#proven] = [undefined, false];
    // what opening threw was told to whoever used it
    const open = await opening?.catch(() => undefined);
    open?.close();
  }
}

async function opened({ settings, ...lent }: S3Lent): Promise<{
  readonly store: S3Store;
  readonly close: () => void;
}> {
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
  return { store: new S3Store({ sdk, client }, bucket, host), close: () => client.destroy() };
}

function keysOf(known: Credential | undefined) {
  if (known?.kind !== 'basic') return {};
  return { credentials: { accessKeyId: known.user, secretAccessKey: known.password } };
}
