# bh_component(NAME FOLDER [NO_EXCEPTIONS] [DEPENDS target...]): one library from a folder's sources, and beside it
#   NAME_test      from *_test.cpp and testing/, run by CTest one case at a time (label: unit)
#   NAME.foo_fuzz  from foo_fuzz.cpp: libFuzzer with BULKHEAD_FUZZ, else a program that replays
#                  fuzz/corpus/foo (labels: unit fuzz)
# The target all_verify_interface_header_sets compiles every header alone, so that each includes what it uses.
include(GoogleTest)

# What a sanitizer build needs: every test program and every replay. What the fuzz build makes: every
# fuzzer and every library.
add_custom_target(unit_tests)
add_custom_target(fuzzers)

function(bh_component name folder)
  cmake_parse_arguments(ARG "NO_EXCEPTIONS" "" "DEPENDS" ${ARGN})
  set(root ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${root}/*.cpp ${root}/*.S)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${root}/*.h)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$|/testing/")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$|/testing/.*\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  # A header of testing/ needs GoogleTest, which the library does not have.
  list(FILTER headers EXCLUDE REGEX "/testing/")

  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  if(BULKHEAD_FUZZ)
    # Whether fuzzed or not: this is the build in which clang checks every lock.
    add_dependencies(fuzzers ${name})
  endif()
  target_include_directories(${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${name} ${scope} ${ARG_DEPENDS})
  if(ARG_NO_EXCEPTIONS AND sources)
    target_compile_options(${name} PRIVATE -fno-exceptions)
  endif()
  if(headers)
    target_sources(${name} ${scope} FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}/src FILES ${headers})
    set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  endif()

  if(tests)
    add_executable(${name}_test ${tests})
    if(BULKHEAD_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # GCC 12 takes std::regex for uninitialised when sanitizers keep it from inlining.
      target_compile_options(${name}_test PRIVATE -Wno-maybe-uninitialized)
    endif()
    target_link_libraries(${name}_test PRIVATE ${name} GTest::gmock GTest::gtest_main)
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT 120 LABELS unit)
    add_dependencies(unit_tests ${name}_test)
  endif()

  foreach(file ${fuzzers})
    get_filename_component(stem ${file} NAME_WE)
    bh_fuzzer(${name}.${stem} ${file} ${name})
  endforeach()
endfunction()

# bh_fuzzer(NAME FILE LIBRARY): the program of one foo_fuzz.cpp.
function(bh_fuzzer name file library)
  get_filename_component(subject ${file} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" subject ${subject})
  add_executable(${name} ${file})
  target_link_libraries(${name} PRIVATE ${library})
  if(BULKHEAD_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  else()
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cpp)
    add_test(NAME ${name}_replay COMMAND ${name} ${CMAKE_SOURCE_DIR}/fuzz/corpus/${subject})
    set_tests_properties(${name}_replay PROPERTIES TIMEOUT 300 LABELS "unit;fuzz")
    add_dependencies(unit_tests ${name})
  endif()
endfunction()
