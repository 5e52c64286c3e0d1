// The answer to a query that is not granted: <error code text/>.
export class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}
