import { expect, test } from 'vitest';
import graphMailOut from '../../../adapters/graph/graph-mail-out.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { graphLab, HUB, WARD } from '../../support/graph-lab.ts';
import { openResources } from '../../support/nothing-open.ts';
import { arrived } from '../../support/open-graph.ts';
import { sentAtLast } from '../../support/supervised.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\r');
/** Spread over the whole conversation, from the handshake to the answer that the mail is sent. */
const CUTS = 24;

test.for<Direction>(['toServer', 'toClient'])(
  'a connection that is cut anywhere %s loses no mail, sends none twice, and leaves no draft and nothing open',
  { timeout: 60_000 },
  async (direction) => {
    await using lab = await graphLab();
    const { port, hostname } = new URL(lab.graph.url);
    const body = inlineBody(BODY);
    const options = { credentials: { graph: lab.credential } };
    await lab.credential.token(new AbortController().signal);
    const resources = openResources();
    const proxy = await cuttingProxy(Number(port));
    const url = `https://${hostname}:${proxy.port}/v1.0`;
    const given = { ...lab.given, url, to: WARD };
    const sent = (id: number): Promise<string[]> =>
      sentAtLast(graphMailOut, { given, options }, { id, body });
    expect(await sent(1)).toEqual([]);
    const { length } = proxy.passed(direction);
    let failed = 0;
    for (let n = 0; n < CUTS; n++) {
      proxy.cutNext(direction, Math.floor(((length - 1) * n) / (CUTS - 1)));
      const errors = await sent(n + 2);
      failed += errors.length;
      const classes = [[], ['ADAPTER_TEMPORARY'], ['ADAPTER_NOT_CONNECTED']];
      expect(classes, `cut ${n}`).toContainEqual(errors);
      expect(arrived(lab), `cut ${n}`).toHaveLength(n + 2);
    }
    expect(failed).toBeGreaterThan(CUTS / 2);
    expect(lab.graph.mailbox(HUB).messages('drafts')).toEqual([]);
    await proxy[Symbol.asyncDispose]();
    await resources.expectNothingNew();
  },
);
