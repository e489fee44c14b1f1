import { type SettingsFault, setting } from 'waybill/adapter';
import { missingPackage } from 'waybill/peer/basics';
import { tlsClient } from 'waybill/peer/tls';

export const PACKAGE = '@aws-sdk/client-s3';

/** How to reach a bucket: the same for both directions. */
export const s3Settings = {
  bucket: setting.text({ help: 'The name of the bucket.', example: 'lab-exchange' }),
  region: setting.text({
    help: 'The region of the bucket. Other servers than Amazon’s usually take any.',
    default: 'eu-central-1',
  }),
  endpoint: setting.optional(
    setting.url({
      help: 'The server, if it is not Amazon’s: MinIO, Ceph, NetApp and others speak the same protocol.',
      example: 'https://s3.hospital.example',
    }),
  ),
  pathStyle: setting.flag({
    help: 'Writes the bucket into the path instead of the host name, as most servers other than Amazon’s want it.',
    default: false,
  }),
  credential: setting.optional(
    setting.credential({
      help: 'The access key (user) and its secret (password). If left out, Amazon’s usual order applies: environment, web identity, profile (AWS_PROFILE, also with an assumed role), the role of the machine.',
      example: 'lab-exchange-key',
      kinds: ['basic'],
    }),
  ),
  tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
  timeout: setting.duration({
    help: 'How long connecting and a short answer may take, and how long the server may be silent in a long one.',
    default: '30s',
    advanced: true,
  }),
};

export type S3Values = setting.ValuesOf<typeof s3Settings>;

/** Where the bucket is, for people. */
export function endpointOf({ endpoint, region }: Pick<S3Values, 'endpoint' | 'region'>): URL {
  return endpoint ?? new URL(`https://s3.${region}.amazonaws.com`);
}

export const originOf = (values: S3Values): string =>
  `s3://${endpointOf(values).host}/${values.bucket}`;

/** Problems between the settings, and a package that is missing. */
export function s3Faults({ endpoint, credential }: S3Values): SettingsFault[] {
  const install = missingPackage(PACKAGE);
  return [
    ...(install === undefined
      ? []
      : [
          {
            path: [],
            what: `the package ${PACKAGE} is not installed`,
            remedy: `Install it beside the engine: ${install}.`,
          },
        ]),
    ...(endpoint?.protocol === 'http:' && credential !== undefined
      ? [
          {
            path: ['endpoint'],
            what: 'is without TLS: anyone on the network path can read the objects',
            remedy: 'Use https.',
            severity: 'warning' as const,
          },
        ]
      : []),
  ];
}
