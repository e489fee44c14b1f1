import { useEffect, useRef } from 'react';

/** Keys → what they do: `j`, `?`, `ctrl+k`, or two in a row: `g m`. */
export type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const KEPT = 'waybill.keys';
let single = read();

function read(): boolean {
  try {
    return localStorage.getItem(KEPT) !== 'off';
  } catch {
    // storage may be forbidden
    return true;
  }
}

/** Whether keys that are pressed alone work; those with Ctrl always do. */
export const hasSingleKeys = (): boolean => single;

/** Switches them on or off, and remembers it on this machine: people who dictate, or hit keys by mistake, are better off without them. */
export function switchSingleKeys(on: boolean): void {
  single = on;
  try {
    localStorage.setItem(KEPT, on ? 'on' : 'off');
  } catch {
    // storage may be forbidden: the choice then lasts as long as the page
  }
}

const PREFIX_TIME = 1_200;
let prefix: { readonly key: string; readonly at: number } | undefined;

/** While the component is shown, these keys work wherever the focus is, except in a text field. */
export function useHotKeys(keys: KeyMap): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const action = latest.current[nameOf(event)];
      if (action === undefined || event.defaultPrevented || isTyping(event)) return;
      event.preventDefault();
      action(event);
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
}

/** Remembers the first key of a pair; one listener for the whole console, before all others. */
document.addEventListener(
  'keydown',
  (event) => {
    if (event.key === 'g' && !isTyping(event) && !event.ctrlKey && !event.metaKey) {
      prefix = { key: 'g', at: event.timeStamp };
    } else if (event.key.length === 1) {
      // cleared only after the listeners of this key press have read it
      setTimeout(() => {
        prefix = undefined;
      });
    }
  },
  { capture: true },
);

function nameOf({ key, ctrlKey, metaKey, altKey, timeStamp }: KeyboardEvent): string {
  if (altKey) return '';
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (ctrlKey || metaKey) return `ctrl+${name}`;
  if (!single && name.length === 1) return '';
  const pending =
    prefix !== undefined && prefix.key !== name && timeStamp - prefix.at < PREFIX_TIME;
  return pending && prefix !== undefined ? `${prefix.key} ${name}` : name;
}

function isTyping({ key, target, ctrlKey, metaKey }: KeyboardEvent): boolean {
  // the page below a dialog stays as it is: another page would discard what was typed in it
  if (document.querySelector('dialog:modal') !== null) return true;
  if (ctrlKey || metaKey || !(target instanceof HTMLElement)) return false;
  // it presses what has the focus
  if (key === 'Enter' && target.closest('a, button, summary') !== null) return true;
  return (
    target.isContentEditable ||
    target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select')
  );
}
