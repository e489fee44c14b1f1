import { defineProcess, type ProcessContext } from 'waybill';

const DAY = 86_400_000;

/** An order waits for its result. A result without an order goes to the record as it is. */
export default defineProcess(async (message, context) => {
  const document = message.document();
  if (message.type.startsWith('HL7v2:ORU')) {
    await context.send('record');
    return undefined;
  }
  const [ward, order] = [document.get('PV1-3.1'), document.get('ORC-2')];
  await count(context, ward, 1);
  const result = await context.receive({ key: order, timeout: 3 * DAY });
  if (result === undefined) {
    const body = JSON.stringify({ ward, order });
    await context.send('reminders', { body, type: 'application/json' });
  } else {
    // the laboratory does not know who ordered
    const complete = result.document();
    complete.set('OBR-16', document.get('ORC-12'));
    await context.send('record', { body: complete, type: result.type });
  }
  await count(context, ward, -1);
  return undefined;
});

/** Tells the board of a ward how many of its orders are open; many messages may count at once. */
async function count(context: ProcessContext, ward: string, change: number): Promise<void> {
  const open = await context
    .state<number>(`open orders, ${ward}`)
    .update((before = 0) => Math.max(0, before + change));
  await context.send('board', { body: JSON.stringify({ ward, open }), type: 'application/json' });
}
