import { describe, expect, test } from 'vitest';
import type { InboundAdapter, OutboundAdapter } from '../../src/adapter/index.ts';
import type { Setting, Settings } from '../../src/adapter/setting.ts';
import { type OpenOptions, readGiven } from '../support/open-adapter.ts';

/** A setting with its path: `tls.trust`. */
function everySetting(settings: Settings, above = ''): [string, Setting<unknown, unknown>][] {
  return Object.entries(settings).flatMap(([name, setting]) => [
    [above + name, setting] as [string, Setting<unknown, unknown>],
    ...everySetting(setting.fields ?? {}, `${above}${name}.`),
  ]);
}

/** What holds for the declaration of every adapter, before it is opened. */
export function describeDeclaration<S extends Settings>(
  adapter: InboundAdapter<S> | OutboundAdapter<S>,
  valid: () => Promise<{
    readonly given: Readonly<Record<string, unknown>>;
    readonly options: OpenOptions;
  }>,
  direction: 'in' | 'out',
): void {
  describe('its declaration', () => {
    test('names a protocol and a direction, and has a title and a one-sentence summary', () => {
      expect(adapter.type).toMatch(new RegExp(`^[a-z0-9]+(-[a-z0-9]+)*-${direction}$`));
      expect(adapter.title.length).toBeGreaterThan(3);
      expect(adapter.summary).toMatch(/^[A-Z][^]*\.$/);
    });

    test('explains every setting in a full sentence', () => {
      for (const [path, setting] of everySetting(adapter.settings)) {
        expect(setting.help, path).toMatch(/^[A-Z"'`][^]{10,}[.)]$/);
        for (const [choice, meaning] of Object.entries(setting.choices ?? {})) {
          expect(meaning.length, `${path}: ${choice}`).toBeGreaterThan(2);
        }
      }
    });

    test('holds no secret: a secret is a credential', () => {
      for (const [path, setting] of everySetting(adapter.settings)) {
        if (setting.kind === 'credential') continue;
        expect(path, 'a secret would stand in the file').not.toMatch(/password|secret|passphrase/i);
      }
    });

    test('accepts its own defaults', async () => {
      const { given, options } = await valid();
      expect(() => readGiven(adapter.settings, given, options)).not.toThrow();
    });

    test('refuses a setting it does not know and names the nearest', async () => {
      const { given, options } = await valid();
      const [known = ''] = Object.keys(adapter.settings);
      expect(() => readGiven(adapter.settings, { ...given, [`${known}x`]: 1 }, options)).toThrow(
        `settings.${known}x: no such setting; did you mean ${known}?`,
      );
    });
  });
}
