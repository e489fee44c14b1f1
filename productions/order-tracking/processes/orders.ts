import { defineProcess } from 'waybill';

/** Tells the board of a ward how many of its orders have no result yet. */
export default defineProcess(async (message, context) => {
  const document = message.document();
  const ward = document.get('PV1-3.1');
  const change = message.type.startsWith('HL7v2:ORM') ? 1 : -1;
  // many messages of one ward may be worked on at once: each change counts once
  const open = await context
    .state<number>(`open orders, ${ward}`)
    .update((before = 0) => Math.max(0, before + change));
  await context.send('board', { body: JSON.stringify({ ward, open }), type: 'application/json' });
  return undefined;
});
