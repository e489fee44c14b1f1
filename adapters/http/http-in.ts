import { inbound } from 'waybill/adapter';
import { Endpoint } from './endpoint.ts';
import { httpInSettings } from './http-in-settings.ts';
import { tryHttpIn } from './http-in-test.ts';
import { joinListener } from './listener.ts';
import { httpInFaults, httpInSharing, operationsOf } from './operations-of.ts';

export default inbound({
  type: 'http-in',
  title: 'HTTP and REST, listening',
  summary:
    'Takes messages at a web address, checks who sends them and what they hold, and answers.',
  settings: httpInSettings,
  sharing: (settings) => httpInSharing(settings),
  async open(lent) {
    const { path, callers, openapi } = lent.settings;
    const operations = await operationsOf(lent);
    const membership = await joinListener(lent, new Endpoint(lent, operations));
    const isOpen = callers.length === 0 && openapi === undefined;
    lent.connection(
      'listening',
      `${membership.place}${path.source}${isOpen ? ', everybody may call' : ''}`,
    );
    return { close: () => membership.leave() };
  },
  check: (settings) => httpInFaults(settings),
  test: (lent, step) => tryHttpIn(lent, step),
});
