import { expect, test } from 'vitest';
import { channel, imported, marksOf, problemsOf, stateOf } from './imported.ts';

const LISTENER =
  '<listenerConnectorProperties><host>0.0.0.0</host><port>11112</port></listenerConnectorProperties><applicationEntity>HUB</applicationEntity><tls>notls</tls>';

const sender = (more = '', title = 'ARCHIVE'): string =>
  `<host>archive.example</host><port>104</port><applicationEntity>${title}</applicationEntity><localApplicationEntity>HUB</localApplicationEntity><rspTo>30</rspTo>${more}`;

const films = (to: string, template = '${DICOMMESSAGE}'): string =>
  channel({
    name: 'Films',
    transport: 'DICOM Listener',
    properties: LISTENER,
    transformer: { inbound: 'DICOM', outbound: 'DICOM' },
    destinations: [
      {
        name: 'Archive',
        transport: 'DICOM Sender',
        properties: `${to}<template>${template}</template>`,
        transformer: { inbound: 'DICOM', outbound: 'DICOM' },
      },
    ],
  });

test('a channel that only passes objects on becomes rules between dicom-in and dicom-out', async () => {
  const production = imported(films(sender()));
  expect(stateOf(production)).toBe('complete');
  expect(await problemsOf(production)).toEqual([]);
  const text = production.files.get('production.yaml') ?? '';
  expect(text).toMatch(/adapter: dicom-in\s+settings:\s+listen: 0\.0\.0\.0:11112\s+title: HUB/);
  expect(text).toMatch(
    /adapter: dicom-out\s+settings:\s+connect: archive\.example:104\s+title: ARCHIVE\s+ownTitle: HUB\s+replyTimeout: 30s/,
  );
  expect(text).toContain('rules:');
});

test('what is not certain is marked or told: TLS from a key store, a peer without a title', () => {
  const marked = imported(films(sender('<tls>aes</tls>')));
  expect(marksOf(marked)).toEqual([expect.stringMatching(/TLS \(aes\) from a key store/)]);
  const untitled = imported(films(sender('', '')));
  expect(stateOf(untitled)).toBe('complete');
  const told = untitled.report.lines.map(({ text }) => text);
  expect(told).toContainEqual(expect.stringMatching(/ANY-SCP is called/));
});
