import { setting } from 'waybill/adapter';
import { httpClientSettings } from 'waybill/peer/http';
import { store } from './fhir-subscriptions-settings.ts';
import { servedVersion } from './fhir-version.ts';

const { credential, signIn, keyName, redirects: _, ...wire } = httpClientSettings;

const endpoint = setting.group(
  {
    url: setting.url({
      help: 'What the address of a subscriber begins with.',
      example: 'https://growth.example/notify/',
    }),
    credential,
  },
  { help: 'Where subscribers may be.' },
);

export const notifySettings = {
  version: servedVersion,
  store,
  endpoints: setting.list(endpoint, {
    help: 'The addresses that may be notified, with the credential for each: any other is refused when it is subscribed to, and not called if it was permitted before. Redirects are not followed.',
    example: '[{ url: "https://growth.example/notify/", credential: growth }]',
  }),
  errorAfter: setting.duration({
    help: 'How long an endpoint may take nothing before its subscription is in error: it is not notified any more until its owner updates it.',
    default: '10m',
  }),
  signIn,
  keyName,
  ...wire,
};

export type NotifyValues = setting.ValuesOf<typeof notifySettings>;
