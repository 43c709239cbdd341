# A forwarder. native/CMakeLists.txt is the one build definition; `npm ci` runs the package's own "install" script
# (cmake-js), so npm does not add its implicit `node-gyp rebuild`. Whoever calls node-gyp by hand lands there too.
{
  "targets": [{
    "target_name": "catenary",
    "type": "none",
    "actions": [{
      "action_name": "cmake_js",
      "inputs": ["native/CMakeLists.txt"],
      "outputs": ["<(INTERMEDIATE_DIR)/cmake-js.stamp"],
      "action": [
        "node", "<!(node -p \"require.resolve('cmake-js/bin/cmake-js')\")", "compile",
        "--directory", "<(module_root_dir)/native", "--out", "<(module_root_dir)/build/cmake", "--target", "catenary"
      ]
    }]
  }]
}
