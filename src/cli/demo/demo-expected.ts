import { runMessage } from '../../definition/case/run-message.ts';
import type { Definition } from '../../definition/definition.ts';
import { hl7Header } from '../../document/index.ts';
import { systemClock } from '../../time/clock.ts';

/** How many messages each operation should get by the production's rules, worked out without the engine. */
export async function expectedArrivals(
  definition: Definition,
  service: string,
  messages: readonly Uint8Array[],
): Promise<Record<string, number>> {
  const expected: Record<string, number> = Object.fromEntries(
    [...definition.operations.keys()].map((name) => [name, 0]),
  );
  for (const body of messages) {
    const { sent } = await runMessage(
      { definition, clock: systemClock, answer: () => undefined },
      service,
      { body, type: typeOf(body) },
    );
    for (const { to } of sent) expected[to] = (expected[to] ?? 0) + 1;
  }
  return expected;
}

function typeOf(body: Uint8Array): string {
  return hl7Header(body).type;
}
