import { type ReactElement, useEffect, useState } from 'react';
import { Field, INPUT } from './field.tsx';

/** While a time is being typed it passes through other values: one that stays this long is meant. */
const MEANT = 600;

interface TimeFieldProps {
  readonly label: string;
  /** The label is only for screen readers. */
  readonly bare?: boolean;
  /** As in the address. */
  readonly value: string | undefined;
  readonly onChange: (value: string | undefined) => void;
}

/** A date and time that goes into the address. */
export function TimeField({ label, bare = false, value, onChange }: TimeFieldProps): ReactElement {
  const [text, setText] = useState(value ?? '');
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setText(value ?? '');
  }
  useEffect(() => {
    if (text === (value ?? '')) return undefined;
    const timer = setTimeout(() => onChange(text || undefined), MEANT);
    return () => clearTimeout(timer);
  }, [text]);
  const input = {
    type: 'datetime-local',
    step: '1',
    value: text,
    onChange: ({ target }: { readonly target: HTMLInputElement }) => setText(target.value),
  };
  return bare ? (
    <input aria-label={label} className={`${INPUT} !w-56`} {...input} />
  ) : (
    <Field label={label} {...input} />
  );
}
