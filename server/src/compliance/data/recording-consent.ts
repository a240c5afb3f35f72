/** Countries and regions where a recording needs everybody's word and not just a notice. */
export const ASK_BEFORE_RECORDING: ReadonlySet<string> = new Set(['DE', 'AT', 'CH', 'LI']);
