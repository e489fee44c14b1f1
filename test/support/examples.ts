/** How many times as many examples as usual each property is tried with; see CONTRIBUTING.md. */
export const MORE = Number(process.env['WAYBILL_PROPERTY_RUNS'] ?? 1);

/** The examples of a property that is tried with so many in each run of the tests. */
export const examples = (usual = 100): number => Math.ceil(usual * MORE);
