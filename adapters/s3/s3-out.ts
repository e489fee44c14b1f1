import { outbound, setting } from 'waybill/adapter';
import { objectDropService, objectDropSettings, objectDropSteps } from 'waybill/peer/object-store';
import { s3Line } from './s3-line.ts';
import { s3Faults, s3Settings } from './s3-settings.ts';
import { tryS3 } from './s3-test.ts';

const settings = {
  ...s3Settings,
  ...objectDropSettings,
  encryption: setting.choice(
    {
      bucket: 'what the bucket prescribes',
      AES256: 'by the server with a key of its own (SSE-S3)',
      'aws:kms': 'by the server with a key of the key service (SSE-KMS)',
    },
    { help: 'How the server encrypts the object.', default: 'bucket', advanced: true },
  ),
  kmsKey: setting.optional(
    setting.text({
      help: 'The key of the key service for encryption: aws:kms; if left out, the bucket’s.',
      advanced: true,
    }),
  ),
};

export default outbound({
  type: 's3-out',
  title: 'Objects to an S3 bucket',
  summary: 'Writes each message as an object into a bucket, large ones in parts.',
  settings,
  check: (values) => Promise.resolve(s3Faults(values)),
  open(lent) {
    const { encryption, kmsKey } = lent.settings;
    const own = { encryption: encryption === 'bucket' ? undefined : encryption, kmsKey };
    return objectDropService(s3Line(lent), lent, { own, place: 'bucket' });
  },
  test: (lent, step) =>
    tryS3(lent, step, (store, told) => objectDropSteps(store, told, lent.settings)),
});
