import type { Step } from 'waybill/adapter';
import { probe } from 'waybill/peer/basics';
import { objectSteps } from 'waybill/peer/object-store';
import { type S3Lent, s3Line } from './s3-line.ts';
import { endpointOf } from './s3-settings.ts';
import type { S3Store } from './s3-store.ts';

/** The steps of both directions: `name`, `TCP`, `TLS`, `bucket` (with the sign-in), and those of `more`. */
export async function tryS3(
  lent: S3Lent,
  step: Step,
  more: (store: S3Store, step: Step) => Promise<void>,
): Promise<void> {
  const { credential, tls, bucket, ...where } = lent.settings;
  const { protocol, hostname, port } = endpointOf(where);
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const address = { host, port: port === '' ? (secure ? 443 : 80) : Number(port) };
  await probe(lent, step, { address, ...(secure ? { tls, alwaysTls: true } : {}) });
  const as = credential === undefined ? 'as Amazon’s usual order says' : `by ${credential}`;
  await objectSteps(s3Line(lent), step, { step: 'bucket', name: bucket, as }, more);
}
