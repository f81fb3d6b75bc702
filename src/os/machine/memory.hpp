#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace runed::os {

/// Takes the whole pages inside `bytes` out of this process. They are read from the file again
/// when next touched, so this is only for file-backed memory that was never written.
void release_pages(std::span<const std::byte> bytes);

/// Brings the pages that `bytes` touch into this process, from the page cache or the disk. Stops
/// between pages for nothing but a fatal signal, so large pieces make a thread hard to end.
/// Needs:  bytes that are mapped and readable.
/// Errors: false if some could not be had: a file that was cut short, or a kernel before 5.14.
[[nodiscard]] bool populate_pages(std::span<const std::byte> bytes);

/// Gives the allocator's free memory back to the kernel.
void trim_heap();

/// Takes the code of the executable and its libraries out of this process. What is executed again is
/// found in the page cache.
void release_code();

/// Returns the memory of this process that is in RAM now, shared pages included; 0 if unknown.
uint64_t resident_bytes();

/// The same of another process; 0 if there is none.
uint64_t resident_bytes_of(int pid);

/// Returns the memory that a process has for itself, in RAM or swapped out: what its files do not
/// back, and ending it would free. 0 if unknown.
uint64_t anonymous_bytes_of(int pid);

/// Returns what programs could still take of the machine's memory before it swaps; 0 if unknown.
uint64_t available_bytes();

}  // namespace runed::os
