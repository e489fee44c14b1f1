import { inbound } from 'waybill/adapter';
import { pickupService, pickupSteps } from 'waybill/peer/folder';
import { objectPickupSettings } from 'waybill/peer/object-store';
import { s3Line } from './s3-line.ts';
import { originOf, s3Faults, s3Settings } from './s3-settings.ts';
import { tryS3 } from './s3-test.ts';

export default inbound({
  type: 's3-in',
  title: 'Objects from an S3 bucket',
  summary:
    'Delivers each object of a folder (prefix) of a bucket, and archives or deletes it once it is stored.',
  polling: true,
  settings: { ...s3Settings, ...objectPickupSettings },
  check: (values) => Promise.resolve(s3Faults(values)),
  open: (lent) => pickupService(s3Line(lent), lent, originOf(lent.settings)),
  test: (lent, step) => tryS3(lent, step, (store, told) => pickupSteps(store, told, lent.settings)),
});
