import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const messageOf = (id: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01\rPID|1||${id}^^^H^MR||DOE\rPV1|1|I\r`;

/** An XML body of that many bytes, all of it siblings. */
function siblings(bytes: number): string {
  let text = '<r xmlns="urn:r">';
  for (let at = 0; text.length < bytes; at++) text += `<s id="${at}"><v>x</v></s>`;
  return `${text}</r>`;
}

test('64 KB of XML siblings, in rules and a transform, hold no acknowledgement up', async () => {
  await using folder = await temporaryFolder('large-xml');
  await using lab = await mllpReceiver();
  const [mllp, http] = [await freePort(), await freePort()];
  const production = join(folder.path, 'large');
  await mkdir(production);
  await writeFile(
    join(production, 'production.yaml'),
    `production: large
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${mllp}" }, to: [lab] }
  web: { adapter: http-in, settings: { listen: "127.0.0.1:${http}", path: /orders }, to: [ways] }
processes:
  ways:
    rules:
      - { name: last, when: 'xpath("//s[last()]/@id") == "-"', send: [] }
      - { name: pairs, when: 'xpath("count(//s[preceding-sibling::s/@id = @id])") == "0"', send: { to: lab, transform: lines } }
operations:
  lab: { adapter: mllp-out, settings: { connect: "127.0.0.1:${lab.port}" } }
transforms: { lines: lines.yaml }
`,
  );
  await writeFile(
    join(production, 'lines.yaml'),
    `start: empty\ntype: ORU_R01:2.5\nsteps: [{ each: /r/s, steps: [{ set: 'OBX[#]-3', to: 'field("@id")' }] }]\n`,
  );
  await using running = await runProduction({
    folder: production,
    data: join(folder.path, 'data'),
    durability: 'process-crash',
    log: silentLogger,
  });
  expect(running.definition.services.size).toBe(2);
  const times: number[] = [];
  let done = false;
  const sending = (async () => {
    for (let at = 0; !done; at++) {
      const began = performance.now();
      await sendUntilAcknowledged(mllp, [messageOf(`M${at}`)], () => undefined);
      times.push(performance.now() - began);
      await sleep(10);
    }
  })();
  await vi.waitFor(() => expect(times.length).toBeGreaterThan(20));
  const before = Math.max(...times);
  const answer = await fetch(`http://127.0.0.1:${http}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/xml' },
    body: siblings(65_536),
  });
  expect(answer.ok).toBe(true);
  await sleep(100);
  done = true;
  await sending;
  const worst = Math.max(...times);
  // on a machine that does nothing else it is below 200 ms, and was more than a minute
  expect(worst - before).toBeLessThan(20_000);
});
