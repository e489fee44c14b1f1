import { outbound } from 'waybill/adapter';
import { HttpClient, tryHttp } from 'waybill/peer';
import { httpOutSettings } from './http-out-settings.ts';
import { HttpSender } from './http-sender.ts';

export default outbound({
  type: 'http-out',
  title: 'HTTP and REST, sending',
  summary: 'Sends each message to a web address and returns the answer.',
  settings: httpOutSettings,
  replies: {
    '2xx': 'complete',
    '408': ['retry', 'fail'],
    '425': ['retry', 'fail'],
    '429': ['retry', 'fail'],
    // Every message would be refused, and asking on and on locks accounts.
    '401': 'stop',
    '407': 'stop',
    '4xx': 'fail',
    // The server says that no repetition will help.
    'client-fault': 'fail',
    '501': 'fail',
    '505': 'fail',
    '5xx': ['retry', 'fail'],
    none: ['retry', 'fail'],
    other: 'fail',
  },
  async open(lent) {
    const client = await HttpClient.open(lent, lent.settings);
    return new HttpSender(client, lent.settings);
  },
  async test({ settings, ...lent }, step) {
    const { beginning: url, fixed: exact } = settings.url;
    const method =
      settings.method === 'GET' || settings.method === 'HEAD' ? settings.method : 'OPTIONS';
    await tryHttp(lent, step, { values: settings, trial: { url, method, exact } });
  },
});
