import { setting } from 'waybill/adapter';
import { servedVersion } from './fhir-version.ts';

/** Where both operations keep what they share. */
export const store = setting.text({
  help: 'The name under which subscriptions are kept: the operation that keeps them and the one that notifies have the same.',
  default: 'subscriptions',
  advanced: true,
});

const topic = setting.group(
  {
    url: setting.text({
      help: 'The canonical address by which subscribers name it.',
      example: 'https://hub.hospital.example/topic/admissions',
    }),
    criteria: setting.list(
      setting.text({
        help: 'A type of resource, and which of them.',
        example: 'Encounter?status=in-progress',
      }),
      { help: 'What it is about: a resource that one of these criteria finds.' },
    ),
  },
  { help: 'A topic that subscribers may choose.' },
);

export const subscriptionsSettings = {
  version: servedVersion,
  store,
  topics: setting.list(topic, {
    help: 'The topics of subscriptions. In R4 there are also subscriptions by criteria of their own.',
  }),
  owners: setting.list(setting.text({ help: 'The name of a caller.' }), {
    help: 'Whose subscriptions count, by the name under which fhir-in knows the caller: those of others are refused, and what they have is not notified any more. If empty, all.',
  }),
  longest: setting.duration({
    help: 'How long a subscription lasts at most; who wants it longer renews it by an update. So what a caller may no longer see ends by itself.',
    default: '90d',
  }),
  keepEvents: setting.integer({
    help: 'How many of the last events of each subscription are remembered for subscribers who ask what they have missed ($events): number, time and the address of the resource, never the resource itself.',
    default: 1_000,
    minimum: 0,
    maximum: 5_000,
    advanced: true,
  }),
  heartbeats: setting.duration({
    help: 'The shortest time between heartbeats that a subscriber may ask for.',
    default: '1m',
    advanced: true,
  }),
  most: setting.integer({
    help: 'How many subscriptions there may be.',
    default: 10_000,
    minimum: 1,
    maximum: 100_000,
    advanced: true,
  }),
  mostEach: setting.integer({
    help: 'How many of them one caller may have.',
    default: 1_000,
    minimum: 1,
    advanced: true,
  }),
};

export type SubscriptionsValues = setting.ValuesOf<typeof subscriptionsSettings>;
