import { explained, type Step } from 'waybill/adapter';
import { probe } from 'waybill/peer';
import { type S3Lent, S3Line } from './s3-line.ts';
import { endpointOf } from './s3-settings.ts';
import type { S3Store } from './s3-store.ts';

/** The steps of both directions: `name`, `TCP`, `TLS`, `bucket` (with the sign-in), and those of `more`. */
export async function tryS3(
  lent: S3Lent,
  step: Step,
  more: (store: S3Store, step: Step) => Promise<void>,
): Promise<void> {
  const { settings } = lent;
  const { protocol, hostname, port } = endpointOf(settings);
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const address = { host, port: port === '' ? (secure ? 443 : 80) : Number(port) };
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  await probe(lent, step, {
    address,
    ...(secure ? { tls: settings.tls, alwaysTls: true } : {}),
  });
  const line = new S3Line(lent);
  try {
    await told('bucket', async (detail) => {
      await line.use(() => Promise.resolve());
      const as =
        settings.credential === undefined ? 'as Amazon’s usual order says' : settings.credential;
      detail(`${settings.bucket} may be listed, signed in by ${as}`);
    });
    await line.use((store) => more(store, told));
  } finally {
    await line.close();
  }
}
