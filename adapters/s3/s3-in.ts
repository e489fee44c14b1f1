import { inbound, setting } from 'waybill/adapter';
import { pickupService, pickupSettings, pickupSteps } from 'waybill/peer';
import { S3Line } from './s3-line.ts';
import { originOf, s3Faults, s3Settings } from './s3-settings.ts';
import { tryS3 } from './s3-test.ts';

const { followLinks: _, ...pickedUp } = pickupSettings(setting.text);

export default inbound({
  type: 's3-in',
  title: 'Objects from an S3 bucket',
  summary:
    'Delivers each object of a folder (prefix) of a bucket, and archives or deletes it once it is stored.',
  polling: true,
  settings: { ...s3Settings, ...pickedUp },
  check: (values) => Promise.resolve(s3Faults(values)),
  open(lent) {
    const settings = { ...lent.settings, followLinks: false };
    return pickupService(new S3Line(lent), { ...lent, settings }, originOf(lent.settings));
  },
  test: (lent, step) => tryS3(lent, step, (store, told) => pickupSteps(store, told, lent.settings)),
});
