import { defineProcess } from 'waybill';

/**
 * A critical value must be called to the ward. The line for the call list says whether the record has
 * the result already, so the record is asked first, and the list is written with its answer.
 *
 * After a crash the function runs again from the top: what was sent is not sent again, and the answer
 * that had come is the same. So it must not look at a clock or throw dice between its steps.
 */
export default defineProcess(async (message, context) => {
  const result = message.document();
  const answer = await context.call('record', undefined, { timeout: 60_000 });
  const filed = answer.status === 'completed' ? 'filed' : 'NOT in the record';

  const flags = result.all('OBX-8');
  const lines = result
    .all('OBX-3.2')
    .map((test, index) => ({ test, number: index + 1, flag: flags[index] ?? '' }))
    .filter(({ flag }) => flag === 'HH' || flag === 'LL')
    .map(({ test, number, flag }) => {
      const value = `${result.get(`OBX[${number}]-5`)} ${result.get(`OBX[${number}]-6.1`)}`;
      return `${result.get('PV1-3.1')} ${result.get('PID-3.1')}: ${test} ${value} (${flag}), ${filed}`;
    });
  await context.send('call-list', { body: `${lines.join('\n')}\n`, type: 'text/plain' });
  return undefined;
});
