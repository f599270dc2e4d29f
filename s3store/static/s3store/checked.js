// Uploads with checksums: the storage refuses bytes that have changed on their way.

// The URL of the engine comes after the # of our own.
const engine = await import(new URL(import.meta.url).hash.slice(1));
export const { UploadError, partSize, Speed, Lanes, explain } = engine;

const MIB = 1024 * 1024;
const WHOLE = 32 * MIB;
const AHEAD = 4;
const DAMAGED = 2;
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
	for (let bit = 0; bit < 8; bit += 1) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
	return byte;
});

export async function crc32(blob) {
	let sum = -1;
	// A block at a time, so that the page stays responsive. A worker of another origin is not allowed.
	for (let start = 0; start < blob.size; start += MIB) {
		const block = new Uint8Array(await blob.slice(start, start + MIB).arrayBuffer());
		for (const byte of block) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
	}
	const four = new DataView(new ArrayBuffer(4));
	four.setInt32(0, ~sum);
	return btoa(String.fromCharCode(...new Uint8Array(four.buffer)));
}

async function sum(blob) {
	try {
		return await crc32(blob);
	} catch {
		throw new UploadError("file_changed");
	}
}

class Task extends engine.Task {
	parts(shape, ...rest) {
		this.step = shape.part_size;
		return super.parts(shape, ...rest);
	}

	async ask(step, body) {
		if (step === "begin") body.checksum = this.file.size > WHOLE ? "" : await sum(this.file);
		if (step === "sign") {
			const numbers = body.numbers.slice(0, AHEAD);
			const checksums = {};
			for (const number of numbers) {
				const start = (number - 1) * this.step;
				checksums[number] = await sum(this.file.slice(start, start + this.step));
			}
			body = { ...body, numbers, checksums };
		}
		return super.ask(step, body);
	}

	keep(signed, seconds) {
		super.keep(signed, seconds);
		for (const part of signed) this.urls.get(part.number).headers = part.headers;
	}

	async deliver(body, number, make) {
		const checked = async (again) => {
			const made = await make(again);
			return number ? { ...made, headers: this.urls.get(number).headers } : made;
		};
		for (let left = DAMAGED; ; left -= 1) {
			try {
				return await super.deliver(body, number, checked);
			} catch (error) {
				if (!left || error.details?.storage_code !== "BadDigest") throw error;
			}
		}
	}
}

export class Uploader extends engine.Uploader {
	add(file, options) {
		return new Task(this, file, options);
	}
}
