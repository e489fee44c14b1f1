import { defineProcess } from 'waybill';

/**
 * Answers a query with what is ordered for its specimen: a message of the same kind, which the service sends to the
 * analyser once that has ended its transmission.
 */
export default defineProcess((message, context) => {
  const query = message.document();
  // Q-3 names patient and specimen: ^S1
  const specimen = query.get('Q-3.2');
  const tests = context.lookup('worklist', specimen, '').split(' ').filter(Boolean);
  const orders = tests.map(
    (test, at) => `O|${at + 1}|${specimen}||^^^${test}|R||||||N||||||||||||||Q`,
  );
  // L-3: I says that there is nothing for this specimen
  const records = ['H|\\^&|||HUB', 'P|1', ...orders, `L|1|${tests.length === 0 ? 'I' : 'F'}`];
  const body = Buffer.from(records.map((record) => `${record}\r`).join(''));
  return Promise.resolve({ body, type: 'application/astm' });
});
